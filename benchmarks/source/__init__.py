"""A provider for load: plays prepared conversations on as many sidebands as somebody opens, and does little else.

Two cores carry the product, its load and its watchers. The simulator decides every word while it plays, and costs as
much as a worker does; here its script engine has decided before, in simulated time, and a frame costs a timer and a
write.
"""
