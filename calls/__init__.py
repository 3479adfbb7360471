"""Realtime Ops: the one Django app; its floors are listed in docs/architecture.md."""
