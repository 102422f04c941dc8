"""What simulated storefronts share: the shop's state, faults on demand, server, webhooks."""
