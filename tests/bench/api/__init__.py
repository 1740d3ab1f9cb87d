"""What the way in costs: gRPC against a bare echo, REST, identity, limits, and the command line."""
