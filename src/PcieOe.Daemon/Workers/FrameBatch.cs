using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Workers;

/// <summary>
/// The frames that leave at the end of a poll round, in native memory made once: a header each, and scratch for sealed content.
/// Fill <see cref="NextHeader"/> and, where content must not be sent from where it lies, <see cref="NextScratch"/>, then <see cref="Add"/>.
/// </summary>
public sealed unsafe class FrameBatch : IDisposable
{
    public const int Capacity = 32;

    private const int HeaderStride = 128;
    private const int LinkHeaderOffset = 64;

    private readonly EthernetFraming _framing;
    private readonly int _scratchStride;
    private readonly OutgoingFrame[] _frames = new OutgoingFrame[Capacity];
    private readonly int[] _owners = new int[Capacity];
    private byte* _memory;

    /// <param name="maximumTransmissionUnit">Most payload bytes of an Ethernet frame.</param>
    public FrameBatch(EthernetFraming framing, int maximumTransmissionUnit)
    {
        _framing = framing;
        _scratchStride = (maximumTransmissionUnit + 63) & ~63;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Capacity * (HeaderStride + _scratchStride)), 64);
    }

    ~FrameBatch() => Free();

    public int Count { get; private set; }

    public bool IsFull => Count == Capacity;

    /// <summary>Whoever adds frames wants to know when they leave: <see cref="IWorkerEngine.OnLeaving"/>. Until <see cref="Clear"/>.</summary>
    public bool IsTimed { get; set; }

    /// <summary>Where the next frame's link header goes: 64 bytes of room.</summary>
    public Span<byte> NextHeader => new(_memory + Count * HeaderStride + LinkHeaderOffset, HeaderStride - LinkHeaderOffset);

    /// <summary>As much room as the payload of an Ethernet frame, for the next frame's content.</summary>
    public Span<byte> NextScratch => new(_memory + Capacity * HeaderStride + Count * _scratchStride, _scratchStride);

    public ReadOnlySpan<OutgoingFrame> Frames => _frames.AsSpan(0, Count);

    /// <summary>Who added a frame.</summary>
    public int OwnerOf(int index) => _owners[index];

    /// <summary>Completes the next frame.</summary>
    /// <param name="headerLength">Bytes written to <see cref="NextHeader"/>.</param>
    /// <param name="content">In native memory that stays as it is until the batch is sent, such as <see cref="NextScratch"/>.</param>
    /// <param name="owner">A number that <see cref="OwnerOf"/> gives back.</param>
    public void Add(int headerLength, ReadOnlySpan<byte> content, MacAddress destination, MacAddress source, int owner)
    {
        byte* header = _memory + Count * HeaderStride + LinkHeaderOffset - _framing.HeaderLength;
        _framing.Write(new Span<byte>(header, _framing.HeaderLength), destination, source);
        ref OutgoingFrame frame = ref _frames[Count];
        frame.Header = header;
        frame.HeaderLength = _framing.HeaderLength + headerLength;
        frame.Content = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(content));
        frame.ContentLength = content.Length;
        _owners[Count] = owner;
        Count++;
    }

    public void Clear()
    {
        Count = 0;
        IsTimed = false;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
