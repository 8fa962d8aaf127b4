"""What systemd-analyze says of a unit, without what it says of others that this machine has."""
import re


def said_of_ours(text):
    """Units of the distribution lie in folders of their own; ours, in a test, never do."""
    return re.sub(r"^(/usr)?/lib/systemd/system/.*\n", "", text, flags=re.M)
