"""The engines that are driven from Python, and what builds their models. Runs inside the bench's own virtual
environment; must never be imported by the driver, which has the standard library only."""
