"""What was promised: behaviours with tests that no worker sees, written before the plan and run at the end."""
