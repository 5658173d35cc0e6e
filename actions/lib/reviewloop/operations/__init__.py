"""What each action does: one function an action, from plain parameters to a plain result.

Results hold numbers, enums, ids and instants. Text that came from Gerrit is neutralised and capped
before it goes into one, because StackStorm evaluates expressions found in values.
"""
