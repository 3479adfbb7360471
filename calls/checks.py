"""System checks of the installation; ids begin with `calls.`."""
