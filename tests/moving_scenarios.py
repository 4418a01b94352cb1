"""A small scenario whose sensors are aboard a ship and an aircraft."""

TEXT = """\
schema: 1
name: moving
time: {start: 2025-06-01T12:00:00Z, duration_s: 90}
seed: 11
area: {latitude_deg: 54.0, longitude_deg: 5.0, height_m: 0}
sites:
  - id: frigate-site
    aboard: frigate
    mast_m: 25
    sensors:
      - {kind: radar, preset: ship-radar, id: ship-radar}
  - id: early-warning
    aboard: patrol-plane
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: airborne-radar, elevation_min_deg: -30}
targets:
  - id: frigate
    class: patrol-boat
    affiliation: friend
    route:
      - {latitude_deg: 54.00, longitude_deg: 5.00, height_agl_m: 0, speed_mps: 15}
      - {latitude_deg: 54.10, longitude_deg: 5.00, height_agl_m: 0}
  - id: patrol-plane
    class: light-aircraft
    affiliation: friend
    motion: {speed_mps: 180}
    route:
      - {latitude_deg: 53.90, longitude_deg: 4.60, height_m: 5000, speed_mps: 180}
      - {latitude_deg: 53.95, longitude_deg: 5.40, height_m: 5000}
  - id: crosser
    class: airliner
    affiliation: neutral
    route:
      - {latitude_deg: 54.20, longitude_deg: 4.80, height_m: 3000, speed_mps: 200}
      - {latitude_deg: 54.05, longitude_deg: 5.60, height_m: 3000}
record: {interval_s: 1}
"""

#: Bearings alone: a camera on a hill and one in an aircraft watch a balloon.
BEARINGS = """\
schema: 1
name: bearings
time: {start: 2025-06-01T12:00:00Z, duration_s: 120}
seed: 5
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 0}
environment: {visibility_km: 60}
sites:
  - id: hill
    position: {latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 60}
    sensors:
      - {kind: camera, preset: panoramic, id: hill-camera, sector_deg: 360, range_max_km: 20,
         ifov_urad: 50}
  - id: observer
    aboard: plane
    sensors:
      - {kind: camera, preset: panoramic, id: plane-camera, sector_deg: 360, range_max_km: 20,
         ifov_urad: 50, elevation_min_deg: -60}
targets:
  - id: plane
    class: light-aircraft
    affiliation: friend
    route:
      - {latitude_deg: 52.02, longitude_deg: 4.95, height_m: 1500, speed_mps: 60}
      - {latitude_deg: 52.10, longitude_deg: 4.95, height_m: 1500}
  - id: balloon
    class: balloon
    route:
      - {latitude_deg: 52.04, longitude_deg: 5.02, height_m: 900, speed_mps: 8}
      - {latitude_deg: 52.06, longitude_deg: 5.03, height_m: 900}
record: {interval_s: 1}
"""
