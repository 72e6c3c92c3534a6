namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Values of features (NVMe 1.4, section 5.21.1), as the commands that follow them read them. A controller reset sets defaults.</summary>
internal sealed class FeatureStore
{
    public const uint DefaultArbitration = 4;
    public const ushort DefaultOverTemperatureKelvin = 343;

    private readonly bool[] _coalescingDisabled;
    private readonly bool _writeCacheByDefault;
    private long _timestampSetNanoseconds;
    private ulong _timestampMilliseconds;

    /// <param name="vectors">One for the admin queue and one for each pair of I/O queues.</param>
    /// <param name="writeCacheByDefault">Whether the volatile write cache is on after a reset, as the medium was configured.</param>
    public FeatureStore(int vectors, bool writeCacheByDefault)
    {
        _writeCacheByDefault = writeCacheByDefault;
        _coalescingDisabled = new bool[vectors];
        AllQueues = (uint)(vectors - 2) << 16 | (uint)(vectors - 2);
        Reset();
    }

    /// <summary>Bits 2:0 AB; priorities of weighted round robin mean nothing here.</summary>
    public uint Arbitration { get; set; }

    public ushort OverTemperatureKelvin { get; set; }

    public ushort UnderTemperatureKelvin { get; set; }

    public uint ErrorRecovery { get; set; }

    public bool WriteCacheEnabled { get; set; }

    public uint DefaultWriteCache => _writeCacheByDefault ? 1u : 0;

    /// <summary>As granted: NCQA 31:16, NSQA 15:0, zero-based.</summary>
    public uint NumberOfQueues { get; set; }

    /// <summary>What <see cref="NumberOfQueues"/> is when all are granted.</summary>
    public uint AllQueues { get; }

    public int GrantedSubmissionQueues => (int)(NumberOfQueues & 0xFFFF) + 1;

    public int GrantedCompletionQueues => (int)(NumberOfQueues >> 16) + 1;

    /// <summary>TIME 15:8 in 100 us, THR 7:0 zero-based.</summary>
    public uint Coalescing { get; set; }

    public uint WriteAtomicity { get; set; }

    /// <summary>Which asynchronous events are wanted.</summary>
    public uint AsynchronousEvents { get; set; }

    /// <summary>KATO, milliseconds; 0 for off.</summary>
    public uint KeepAliveMilliseconds { get; set; }

    public UInt128 HostIdentifier { get; set; }

    /// <summary>PBSLC: kept over resets, as the specification wants of it.</summary>
    public uint SoftwareProgress { get; set; }

    /// <summary>Whether the host has set the timestamp, rather than it counting from the reset.</summary>
    public bool IsTimestampSet { get; private set; }

    /// <summary>Entries of one turn of a queue.</summary>
    public int ArbitrationBurst => (Arbitration & 7) == 7 ? 64 : 1 << (int)(Arbitration & 7);

    /// <summary>Entries that may be held back besides the one that sends the message.</summary>
    public int CoalescingThreshold => (int)(Coalescing & 0xFF);

    public bool IsCoalescingDisabled(int vector) => _coalescingDisabled[vector];

    public void SetCoalescingDisabled(int vector, bool disabled) => _coalescingDisabled[vector] = disabled;

    /// <summary>How long an interrupt may be held back; 0 for not at all. The admin queue's vector never is.</summary>
    public long CoalescingNanoseconds(int vector) =>
        CoalescingThreshold == 0 || vector == 0 || _coalescingDisabled[vector] ? 0 : (Coalescing >> 8 & 0xFF) * 100_000L;

    /// <summary>Milliseconds since 1970 as the host sees them, or since the reset; 48 bits.</summary>
    public ulong Timestamp(long now) => _timestampMilliseconds + (ulong)((now - _timestampSetNanoseconds) / 1_000_000) & 0xFFFF_FFFF_FFFF;

    public void SetTimestamp(ulong milliseconds, long now)
    {
        _timestampMilliseconds = milliseconds & 0xFFFF_FFFF_FFFF;
        _timestampSetNanoseconds = now;
        IsTimestampSet = true;
    }

    public void Reset()
    {
        Arbitration = DefaultArbitration;
        OverTemperatureKelvin = DefaultOverTemperatureKelvin;
        UnderTemperatureKelvin = 0;
        ErrorRecovery = 0;
        WriteCacheEnabled = _writeCacheByDefault;
        NumberOfQueues = AllQueues;
        Coalescing = 0;
        WriteAtomicity = 0;
        AsynchronousEvents = 0;
        KeepAliveMilliseconds = 0;
        HostIdentifier = 0;
        Array.Clear(_coalescingDisabled);
    }

    /// <summary>The timestamp starts again at 0 with every reset but a controller reset.</summary>
    public void ResetTimestamp(long now)
    {
        _timestampMilliseconds = 0;
        _timestampSetNanoseconds = now;
        IsTimestampSet = false;
    }
}
