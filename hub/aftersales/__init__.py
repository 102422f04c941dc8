"""What happens after the sale. Refund, return and restock are three facts, never one."""
