namespace PcieOe.Simulation;

/// <summary>A process on the network that may die and come back.</summary>
internal interface IStation
{
    /// <summary>When it wants to be called; the world's time.</summary>
    long NextDeadline { get; }

    void OnFrame(SimulatedFrame frame, long now);

    /// <summary>Everything a poll round does after receiving.</summary>
    void Pump(long now);

    /// <summary>Dies at once, and begins anew at <paramref name="upAt"/>.</summary>
    void Restart(long now, long upAt);
}
