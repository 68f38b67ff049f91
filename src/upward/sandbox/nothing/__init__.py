"""What a sandbox sees in place of a package that is hidden: it says that there is none."""

if __name__ != "upward.sandbox.nothing":
    raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
