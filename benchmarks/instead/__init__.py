"""What people write instead, as small honest programs: the same frames of the same source, on the same services.

Each does less than the product. None is written to lose: where a tutorial has a cheap and a dear way, this is the cheap
one.
"""
