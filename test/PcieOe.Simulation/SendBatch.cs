using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Simulation;

/// <summary>The frames of one call of a port, which may take only the first of them.</summary>
internal sealed class SendBatch(Scenario scenario, SimulationRandom random, FramePool pool, Totals totals)
{
    private const int Capacity = 32;

    private readonly List<Entry> _entries = new(Capacity);

    public bool IsFull => _entries.Count == Capacity;

    public int Count => _entries.Count;

    public void Add(SimulatedPath path, ReadOnlySpan<byte> header, ReadOnlySpan<byte> content, TargetSession? session)
    {
        SimulatedFrame frame = pool.Take(copyOf: null);
        header.CopyTo(frame.Bytes);
        content.CopyTo(frame.Bytes.AsSpan(header.Length));
        frame.Length = header.Length + content.Length;
        _entries.Add(new Entry(frame, path, session));
    }

    /// <summary>Sends what the port takes. The rest is counted by whose it was; handshake frames are nobody's.</summary>
    public void Send(long now, SimulatedNetwork network, Action<TargetSession?> onFailure)
    {
        int taken = random.Chance(scenario.SendFailure) ? random.Between(0, _entries.Count - 1) : _entries.Count;
        for (int i = 0; i < taken; i++)
        {
            _entries[i].Path.Send(_entries[i].Frame, now, network);
        }

        for (int i = taken; i < _entries.Count; i++)
        {
            totals.SendFailures++;
            bool isOfLink = FrameView.TryPeek(_entries[i].Frame.Span, out FrameType type, out _) && type >= FrameType.Data;
            pool.Return(_entries[i].Frame);
            if (isOfLink)
            {
                onFailure(_entries[i].Session);
            }
        }

        _entries.Clear();
    }

    private readonly record struct Entry(SimulatedFrame Frame, SimulatedPath Path, TargetSession? Session);
}
