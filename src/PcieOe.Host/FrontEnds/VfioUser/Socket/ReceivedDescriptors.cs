using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Socket;

/// <summary>The descriptors that came with one message. Those that nobody takes are closed with it.</summary>
internal sealed class ReceivedDescriptors
{
    public const int None = -1;

    /// <summary>More than any client may send (max_msg_fds), less than the kernel lets pass at once; further ones are closed at once.</summary>
    public const int Capacity = 64;

    private readonly int[] _descriptors = new int[Capacity];

    public int Count { get; private set; }

    /// <summary>Some were lost: too many, or none of the process's own left.</summary>
    public bool AreIncomplete { get; private set; }

    public void Add(int descriptor)
    {
        if (Count == Capacity)
        {
            _ = LibC.Close(descriptor);
            AreIncomplete = true;
            return;
        }

        _descriptors[Count++] = descriptor;
    }

    public void MarkIncomplete() => AreIncomplete = true;

    /// <summary>Looks at one; it still belongs to the message.</summary>
    public int this[int index] => _descriptors[index];

    /// <summary>Takes one over.</summary>
    public int Take(int index)
    {
        int descriptor = _descriptors[index];
        _descriptors[index] = None;
        return descriptor;
    }

    public void CloseAll()
    {
        for (int i = 0; i < Count; i++)
        {
            if (_descriptors[i] != None)
            {
                _ = LibC.Close(_descriptors[i]);
            }
        }

        Count = 0;
        AreIncomplete = false;
    }
}
