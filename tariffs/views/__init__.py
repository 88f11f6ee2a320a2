"""Pages of services, a module a topic."""
