namespace PcieOe.Simulation;

/// <summary>A frame on its way: from the protocol's own header on. Pooled.</summary>
internal sealed class SimulatedFrame
{
    public byte[] Bytes { get; } = new byte[9000];

    public int Length { get; set; }

    /// <summary>Counts the frames of a path in the order of sending; copies of a frame share it.</summary>
    public long Order { get; set; }

    public SimulatedPath Path { get; set; } = null!;

    public FrameOrigin Origin { get; set; } = null!;

    public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, Length);
}

/// <summary>What the copies of one frame have in common. Pooled.</summary>
internal sealed class FrameOrigin
{
    public int Copies { get; set; }

    public bool Accepted { get; set; }
}

/// <summary>Frames not on their way.</summary>
internal sealed class FramePool
{
    /// <summary>More frames than all windows, retransmissions and duplicates on the way could be.</summary>
    private const int MostInUse = 50_000;

    private readonly Stack<SimulatedFrame> _frames = [];
    private readonly Stack<FrameOrigin> _origins = [];
    private int _inUse;

    public SimulatedFrame Take(SimulatedFrame? copyOf)
    {
        if (++_inUse > MostInUse)
        {
            throw new SimulationFailureException($"More than {MostInUse} frames are on their way: a sender knows no bound.");
        }

        SimulatedFrame frame = _frames.TryPop(out SimulatedFrame? used) ? used : new SimulatedFrame();
        FrameOrigin origin = copyOf?.Origin ?? (_origins.TryPop(out FrameOrigin? usedOrigin) ? usedOrigin : new FrameOrigin());
        origin.Copies++;
        frame.Origin = origin;
        if (copyOf is not null)
        {
            copyOf.Span.CopyTo(frame.Bytes);
            frame.Length = copyOf.Length;
            frame.Order = copyOf.Order;
            frame.Path = copyOf.Path;
        }

        return frame;
    }

    public void Return(SimulatedFrame frame)
    {
        _inUse--;
        if (--frame.Origin.Copies == 0)
        {
            frame.Origin.Accepted = false;
            _origins.Push(frame.Origin);
        }

        _frames.Push(frame);
    }
}
