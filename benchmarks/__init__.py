"""Measurements on the product as it is deployed, each against a baseline of the same run."""
