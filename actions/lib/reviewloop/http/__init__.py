"""One way to the network, for Gerrit and for trackers: the only room that imports ``requests``."""
