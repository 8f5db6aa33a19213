"""When it is the contract or the plan that is wrong: disputes, rulings, amendments, revised plans."""
