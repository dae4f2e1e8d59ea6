"""What every process has: a log, health, figures, an end, memory and open files within bounds."""
