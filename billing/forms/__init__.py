"""Forms over money, a module a topic."""
