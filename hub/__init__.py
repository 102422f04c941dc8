"""The ledger. Writes rows; makes no network call; knows neither Redis nor RQ."""
