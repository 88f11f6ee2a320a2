"""The staff's pages of services, a module a topic."""
