namespace PcieOe.Simulation;

/// <summary>Something happened that must never happen.</summary>
public sealed class SimulationFailureException(string message) : Exception(message);
