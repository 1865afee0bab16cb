"""What is governed: projects, task types and tasks, and the one door through which tasks change."""
