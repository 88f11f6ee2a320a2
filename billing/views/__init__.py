"""Pages of money, a module a topic."""
