using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Ports.Capture;

/// <summary>
/// A pcapng file that a polling thread records frames to. They go through a bounded buffer to a thread that writes; what finds the buffer
/// full is not captured but counted, and a file that cannot be written ends the capture, never the traffic.
/// </summary>
public sealed class CaptureFile : IDisposable
{
    public const long DefaultBufferBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(20);

    private readonly FileStream _file;
    private readonly CaptureBuffer _buffer;
    private readonly Thread _writer;
    private readonly ManualResetEventSlim _stop = new();
    private long _dropped;
    private long _droppedBefore;
    private volatile string? _failure;

    /// <param name="bufferBytes">A power of two.</param>
    /// <exception cref="PortException">The file cannot be made.</exception>
    public CaptureFile(string path, string interfaceName, long bufferBytes = DefaultBufferBytes)
    {
        try
        {
            _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
            _file.Write(PcapngWriter.BuildFileHeader(interfaceName));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PortException($"The capture file {path} cannot be made: {exception.Message}", exception);
        }

        _buffer = new CaptureBuffer(bufferBytes);
        _writer = new Thread(WriteOut) { IsBackground = true, Name = "capture" };
        _writer.Start();
    }

    /// <summary>Frames not captured.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Why the capture has ended early; null if it has not.</summary>
    public string? Failure => _failure;

    /// <summary>By the polling thread: records a frame of one or two pieces. A stripped 802.1Q tag is put back.</summary>
    public void Record(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ushort vlanTag, long timestampNanoseconds, FrameDirection direction)
    {
        int tagBytes = vlanTag == 0 ? 0 : EthernetHeader.TaggedLength - EthernetHeader.UntaggedLength;
        int frameBytes = first.Length + second.Length + tagBytes;
        if (_failure is not null || !_buffer.HasRoomFor(PcapngWriter.TotalBytes(frameBytes)))
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return;
        }

        Span<byte> scratch = stackalloc byte[PcapngWriter.PacketHeaderBytes];
        PcapngWriter.WritePacketHeader(scratch, frameBytes, timestampNanoseconds);
        _buffer.Append(scratch);
        if (tagBytes != 0)
        {
            int addresses = 2 * MacAddress.Length;
            BinaryPrimitives.WriteUInt16BigEndian(scratch, EthernetHeader.VlanEtherType);
            BinaryPrimitives.WriteUInt16BigEndian(scratch[2..], vlanTag);
            _buffer.Append(first[..addresses]);
            _buffer.Append(scratch[..tagBytes]);
            first = first[addresses..];
        }

        _buffer.Append(first);
        _buffer.Append(second);
        scratch.Clear();
        _buffer.Append(scratch[..PcapngWriter.PaddingOf(frameBytes)]);
        PcapngWriter.WritePacketTrailer(scratch, frameBytes, direction, _dropped - _droppedBefore);
        _buffer.Append(scratch[..PcapngWriter.PacketTrailerBytes]);
        _buffer.Publish();
        _droppedBefore = _dropped;
    }

    /// <summary>Writes out what is buffered, and closes the file.</summary>
    public void Dispose()
    {
        if (_stop.IsSet)
        {
            return;
        }

        _stop.Set();
        _writer.Join();
        _file.Dispose();
        _buffer.Dispose();
        _stop.Dispose();
    }

    private void WriteOut()
    {
        try
        {
            bool isLast;
            do
            {
                isLast = _stop.Wait(WriteInterval);
                for (ReadOnlySpan<byte> waiting = _buffer.Peek(); !waiting.IsEmpty; waiting = _buffer.Peek())
                {
                    _file.Write(waiting);
                    _buffer.Consume(waiting.Length);
                }
            }
            while (!isLast);
        }
        catch (IOException exception)
        {
            _failure = $"{_file.Name}: {exception.Message}";
        }
    }
}
