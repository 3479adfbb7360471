"""The product in a real Chromium, on real processes."""
