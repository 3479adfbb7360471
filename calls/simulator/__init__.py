"""A provider of our own: plays the realtime voice API over loopback for demos, training, load and tests.

Imports nothing from the rest of `calls` and no Django: it must never agree with the product by sharing code.
"""
