"""Both sides of every listing: what the hub offers, why, and what the channel shows."""
