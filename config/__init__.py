"""Settings, addresses and composition: the outermost app, which nobody imports."""
