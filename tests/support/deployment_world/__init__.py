"""A cluster of real deployment services in virtual time.

Members, the network, the transport of the registry and agents are models. Start at `world.py`.
"""
