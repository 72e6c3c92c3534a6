using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>Frames outside the lane that wait to be sent: a few, short ones, each sent once.</summary>
internal sealed class ControlQueue : IDisposable
{
    public const int Capacity = 4;

    private readonly SlotPool _memory;
    private readonly FrameType[] _types = new FrameType[Capacity];
    private readonly int[] _bytes = new int[Capacity];
    private int _head;
    private int _count;

    public ControlQueue(int contentBytes, int trailerBytes)
    {
        MaximumContentBytes = contentBytes;
        _memory = new SlotPool(Capacity + 1, contentBytes + trailerBytes);
    }

    public int MaximumContentBytes { get; }

    public bool IsEmpty => _count == 0;

    /// <summary>A piece of memory of the same size for the acknowledgement frame of a round.</summary>
    public Span<byte> AcknowledgementMemory => _memory[Capacity];

    public bool TryEnqueue(FrameType type, ReadOnlySpan<byte> content)
    {
        if (_count == Capacity || content.Length > MaximumContentBytes)
        {
            return false;
        }

        int index = (_head + _count++) % Capacity;
        _types[index] = type;
        _bytes[index] = content.Length;
        content.CopyTo(_memory[index]);
        return true;
    }

    /// <summary>Takes the oldest out. Its memory, with room for a check behind the content, stays as it is until the queue is written to.</summary>
    public Span<byte> Dequeue(out FrameType type, out int contentBytes)
    {
        int index = _head;
        _head = (_head + 1) % Capacity;
        _count--;
        type = _types[index];
        contentBytes = _bytes[index];
        return _memory[index];
    }

    public void Dispose() => _memory.Dispose();
}
