"""The requests for both servers: groups of steps, each group in a namespace of its own."""
