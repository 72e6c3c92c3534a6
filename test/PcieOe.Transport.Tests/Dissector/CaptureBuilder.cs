using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Transport.Ports.Capture;

namespace PcieOe.Transport.Tests.Dissector;

/// <summary>A capture of made-up frames between one host and one target, a microsecond apart.</summary>
internal sealed class CaptureBuilder : IDisposable
{
    public const uint HostSession = 0x1111;
    public const uint TargetSession = 0x2222;

    private const ushort EtherType = 0x88B5;
    private const int MinimumFrameBytes = 60;

    private static readonly MacAddress Host = new(0x0200_0000_0001);
    private static readonly MacAddress Target = new(0x0200_0000_0002);

    private readonly CaptureFile _file;
    private long _timestamp = 1_700_000_000_000_000_000;
    private ulong _frameNumber;

    public CaptureBuilder()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"pcieoe-{Environment.ProcessId}-{Guid.NewGuid():N}.pcapng");
        _file = new CaptureFile(Path, "test0");
    }

    public string Path { get; }

    public static byte[] Bytes(string words) => Convert.FromHexString(words.Replace(" ", string.Empty, StringComparison.Ordinal));

    public CaptureBuilder Data(bool fromHost, uint sequence, params string[] tlps) =>
        Frame(fromHost, FrameType.Data, sequence, [.. tlps.SelectMany(Bytes)]);

    /// <summary>A frame in the clear with a good check.</summary>
    public CaptureBuilder Frame(bool fromHost, FrameType type, uint sequence, byte[] content, ushort vlanTag = 0, bool isDamaged = false)
    {
        byte[] frame = Build(type, fromHost ? TargetSession : HostSession, sequence, FrameFlags.None, content, FrameCheck.Length);
        FrameCheck.Write(frame.AsSpan(0, FrameHeader.Length), content, frame.AsSpan(FrameHeader.Length + content.Length));
        frame[^1] ^= isDamaged ? (byte)1 : (byte)0;
        return Record(fromHost, frame, vlanTag);
    }

    /// <summary>A frame as a keyed session sends it, to whoever does not know the key.</summary>
    public CaptureBuilder Sealed(bool fromHost, uint sequence, byte[] ciphertextAndTag)
    {
        byte[] frame = Build(FrameType.Data, fromHost ? TargetSession : HostSession, sequence, FrameFlags.KeyPhase, ciphertextAndTag, checkBytes: 0);
        return Record(fromHost, frame, vlanTag: 0);
    }

    /// <summary>The target's answer to a hello (docs/wire-format.md, "Accept").</summary>
    public CaptureBuilder Accept(byte security, byte status)
    {
        byte[] message = new byte[384];
        message[0] = 1;
        message[1] = security;
        message[2] = status;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), TargetSession);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), HostSession);
        message[112] = 4;
        "rack"u8.CopyTo(message.AsSpan(113));
        message[176] = 5;
        "nvme0"u8.CopyTo(message.AsSpan(177));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(272), 300_000);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(276), 9000);
        return Frame(fromHost: false, FrameType.Accept, 0, message);
    }

    /// <summary>Any payload of an Ethernet frame of this EtherType.</summary>
    public CaptureBuilder Record(bool fromHost, byte[] frame, ushort vlanTag)
    {
        byte[] bytes = new byte[Math.Max(MinimumFrameBytes, EthernetHeader.UntaggedLength + frame.Length)];
        new EthernetHeader(fromHost ? Target : Host, fromHost ? Host : Target, EtherType).Write(bytes);
        frame.CopyTo(bytes, EthernetHeader.UntaggedLength);
        _file.Record(bytes, default, vlanTag, _timestamp, FrameDirection.Received);
        _timestamp += 1000;
        return this;
    }

    /// <summary>Writes out what was recorded.</summary>
    public CaptureBuilder Finish()
    {
        _file.Dispose();
        return this;
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(Path);
    }

    private byte[] Build(FrameType type, uint session, uint sequence, FrameFlags flags, byte[] content, int checkBytes)
    {
        byte[] frame = new byte[FrameHeader.Length + content.Length + checkBytes];
        new FrameHeader
        {
            Type = type,
            Flags = flags,
            BodyLength = (ushort)(content.Length + checkBytes),
            SessionId = type == FrameType.Accept ? HostSession : session,
            FrameNumber = type == FrameType.Accept ? 0 : ++_frameNumber,
            Sequence = new SequenceNumber(sequence),
            NextExpected = new SequenceNumber(7),
            Permitted = new SequenceNumber(500),
        }.Write(frame);
        content.CopyTo(frame, FrameHeader.Length);
        return frame;
    }
}
