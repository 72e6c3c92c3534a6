using Xunit;

// Whole daemons poll: side by side they would only take the processors from one another.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
