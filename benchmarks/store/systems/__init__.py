"""Each system at its documented best setting, behind `benchmarks.store.system.System`."""
