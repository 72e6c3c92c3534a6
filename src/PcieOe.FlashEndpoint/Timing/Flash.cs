namespace PcieOe.FlashEndpoint.Timing;

/// <summary>What is booked: the moving parts of the model, apart from the parameters that move them.</summary>
internal sealed class Flash
{
    private int _pendingCursor;

    public Flash(FlashParameters parameters)
    {
        int dies = parameters.Channels * parameters.DiesPerChannel;
        Dies = new DieState[dies];
        PlaneFreeAt = new long[dies * parameters.PlanesPerDie];
        Channels = new ChannelSchedule[parameters.Channels];
        for (int i = 0; i < Channels.Length; i++)
        {
            Channels[i] = new ChannelSchedule();
        }

        // Enough for a buffer full of whole word lines and a few partial ones on each die.
        long programs = (parameters.WriteBufferBytes / parameters.ProgramUnitBytes) + (4L * dies) + 1;
        Buffer = new WriteBufferModel(parameters.WriteBufferBytes, (int)Math.Min(programs, 1 << 16));
    }

    public DieState[] Dies { get; }

    /// <summary>By die and plane; only moves when planes read independently.</summary>
    public long[] PlaneFreeAt { get; }

    public ChannelSchedule[] Channels { get; }

    public WriteBufferModel Buffer { get; }

    public long FirmwareFreeAt { get; set; }

    public long LastProgramEnd { get; set; }

    /// <summary>A die with buffered bytes that no program was asked for yet, in turn. There must be one.</summary>
    public int NextPendingDie()
    {
        do
        {
            _pendingCursor = _pendingCursor + 1 < Dies.Length ? _pendingCursor + 1 : 0;
        }
        while (Dies[_pendingCursor].PendingBytes == 0);

        return _pendingCursor;
    }
}

/// <summary>One die: when it is free, and what waits for it.</summary>
internal struct DieState
{
    public long FreeAt;

    /// <summary>In the write buffer, until there is a whole word line of it.</summary>
    public long PendingBytes;

    /// <summary>In each plane, since the last erase.</summary>
    public long ProgrammedPages;
}
