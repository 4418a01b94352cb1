"""pygame, imported in the one way that keeps its greeting off standard output."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame as pygame
