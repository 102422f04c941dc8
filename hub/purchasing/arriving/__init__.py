"""What comes of purchase orders, over HTTP: receipts, judgements, returns, invoices."""
