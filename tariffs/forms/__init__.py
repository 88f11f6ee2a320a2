"""Forms over services, a module a topic."""
