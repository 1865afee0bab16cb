"""The tests: folders mirror the apps; journeys and benchmarks cross them."""
