namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// A completion queue in host memory. Every fetched command has a place in it reserved beforehand, so an entry always finds room, and a
/// host that does not empty its queue holds up no other.
/// </summary>
internal sealed class CompletionQueue(int id)
{
    public int Id { get; } = id;

    public bool Exists { get; private set; }

    public ulong BaseAddress { get; private set; }

    public int Entries { get; private set; }

    public bool InterruptsEnabled { get; private set; }

    public int Vector { get; private set; }

    /// <summary>Where the next entry goes.</summary>
    public int Tail { get; private set; }

    /// <summary>What the host has taken, by its doorbell.</summary>
    public int Head { get; private set; }

    /// <summary>The phase tag of the next entry.</summary>
    public bool Phase { get; private set; }

    /// <summary>Submission queues that post here.</summary>
    public int SubmissionQueues { get; set; }

    /// <summary>Commands under way that will post here.</summary>
    public int Reserved { get; set; }

    /// <summary>Entries that may still be reserved.</summary>
    public int Room => Entries - 1 - Used - Reserved;

    private int Used => Tail >= Head ? Tail - Head : Tail - Head + Entries;

    public void Create(ulong baseAddress, int entries, bool interruptsEnabled, int vector)
    {
        Exists = true;
        BaseAddress = baseAddress;
        Entries = entries;
        InterruptsEnabled = interruptsEnabled;
        Vector = vector;
        Tail = 0;
        Head = 0;
        Phase = true;
        SubmissionQueues = 0;
        Reserved = 0;
    }

    public void Delete() => Exists = false;

    /// <summary>False: the host claims to have taken entries that were never there.</summary>
    public bool TrySetHead(uint head)
    {
        if (head >= (uint)Entries)
        {
            return false;
        }

        int taken = (int)head - Head;
        if ((taken < 0 ? taken + Entries : taken) > Used)
        {
            return false;
        }

        Head = (int)head;
        return true;
    }

    /// <summary>Steps past the entry just written.</summary>
    public void Advance()
    {
        if (++Tail == Entries)
        {
            Tail = 0;
            Phase = !Phase;
        }
    }
}
