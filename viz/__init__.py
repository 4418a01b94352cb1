"""The viewer: snapshot and view state become a scene, a scene becomes pixels.

It draws what a run or a recording hands out and sends back only commands: pause, speed,
step, seek.
"""
