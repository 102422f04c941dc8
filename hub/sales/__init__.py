"""Orders from every channel, each taken in once and allocated in the same transaction."""
