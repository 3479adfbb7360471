"""The product as it is deployed, in real processes, with handles to hurt them. For journeys and benchmarks."""
