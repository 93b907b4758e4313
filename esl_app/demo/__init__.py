"""The demo: a tenant with documents, a recorded caller, and one whole call on this machine."""
