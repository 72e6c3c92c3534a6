namespace PcieOe.Transport.Ports;

/// <summary>A frame that came: the Ethernet header without an 802.1Q tag, then the payload, without the frame check sequence.</summary>
public readonly unsafe struct ReceivedFrame(byte* data, int length, long timestampNanoseconds, ushort vlanTag)
{
    /// <summary>Bytes from the destination address on; padding of short frames included.</summary>
    public ReadOnlySpan<byte> Bytes => new(data, length);

    public int Length => length;

    /// <summary>When the kernel took the frame, CLOCK_REALTIME nanoseconds; 0 if unknown.</summary>
    public long TimestampNanoseconds => timestampNanoseconds;

    /// <summary>The tag control information of a stripped 802.1Q tag; 0 if there was none.</summary>
    public ushort VlanTag => vlanTag;
}

/// <summary>A frame to send, in two pieces of native (unmovable) memory: the headers, and what follows them.</summary>
public unsafe struct OutgoingFrame
{
    /// <summary>Ethernet header (with its tag, if any) and the link's header.</summary>
    public byte* Header;
    public int HeaderLength;

    /// <summary>The rest; may be null when <see cref="ContentLength"/> is 0.</summary>
    public byte* Content;
    public int ContentLength;

    public readonly int Length => HeaderLength + ContentLength;
}

/// <summary>What a port has counted since it was opened. Frames and bytes include the Ethernet header.</summary>
public struct PortCounters
{
    public long FramesReceived;
    public long BytesReceived;
    public long FramesSent;
    public long BytesSent;

    /// <summary>Frames the receiver had no room for (ring full).</summary>
    public long ReceiveDrops;

    /// <summary>Frames the sender had no room for (ENOBUFS, EAGAIN).</summary>
    public long SendDrops;

    /// <summary>Frames not sent since the interface was down or gone.</summary>
    public long SendsWhileDown;

    /// <summary>How often the interface came back.</summary>
    public long Recoveries;
}
