"""What compiles and runs bodies: plain Python functions become one loop, on every backend."""
