namespace PcieOe.Simulation;

/// <summary>All frames on their way, in the order of their arrival. Stations poll, so arrivals are rounded up to the next poll.</summary>
internal sealed class SimulatedNetwork(long pollNanoseconds)
{
    private readonly PriorityQueue<SimulatedFrame, (long, long)> _underWay = new();
    private long _order;

    public long NextArrival => _underWay.TryPeek(out _, out (long Arrival, long) due) ? due.Arrival : long.MaxValue;

    public void Enqueue(SimulatedFrame frame, long arrival) =>
        _underWay.Enqueue(frame, ((arrival + pollNanoseconds - 1) / pollNanoseconds * pollNanoseconds, _order++));

    public SimulatedFrame Dequeue() => _underWay.Dequeue();
}
