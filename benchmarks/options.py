"""What can be asked of a run, from the environment."""

from __future__ import annotations

from realtime_ops import env

QUICK = env.flag("QUICK")
"""A short look: fewer repeats, shorter stretches"""
LEVELS = tuple(int(part) for part in env.text("CALLS", "100,1000,2000").split(","))
"""Calls at once"""
IDLE_S = 10.0
"""Of beat's tasks the same ones lie in every stretch of this length, but what comes once a minute"""
